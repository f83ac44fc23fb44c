// Makes a PDF with pdfkit: text in two fonts, a line, two pages.

import PDFDocument from "pdfkit";
import { buffer } from "node:stream/consumers";

/** Params: the `title`. */
export default async function run({ title }: { title: string }) {
  const document = new PDFDocument({ size: "A4", compress: false, info: { Title: title } });
  const written = buffer(document);
  document.fontSize(24).text(title, { align: "center" });
  document.moveTo(50, 200).lineTo(500, 200).stroke();
  document.addPage().font("Times-Roman").text("the second page");
  document.end();
  const text = (await written).toString("latin1");
  return {
    start: text.slice(0, 5),
    pages: text.match(/\/Type \/Page\b/g)?.length,
    fonts: [...text.matchAll(/\/BaseFont \/([\w-]+)/g)].map(([, name]) => name),
  };
}
