// Makes a PDF with pdf-lib, opens it again and adds a page.

import { PDFDocument, rgb, StandardFonts } from "pdf-lib";

/** Params: the `title`. */
export default async function run({ title }: { title: string }) {
  const first = await PDFDocument.create();
  first.setTitle(title);
  const font = await first.embedFont(StandardFonts.Helvetica);
  first.addPage([300, 200]).drawText(title, { x: 20, y: 100, size: 20, font, color: rgb(0, 0, 1) });
  const second = await PDFDocument.load(await first.save());
  second.addPage();
  const bytes = await second.save();
  const start = new TextDecoder().decode(bytes.slice(0, 5));
  return { start, title: second.getTitle(), pages: second.getPageCount() };
}
