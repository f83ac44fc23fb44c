// Writes a spreadsheet with exceljs, to a file and as a stream, and reads both again.

import ExcelJS from "exceljs";
import { PassThrough, Readable } from "node:stream";
import { mkdir } from "node:fs/promises";
import { buffer } from "node:stream/consumers";

const folder = new URL("../scratch/exceljs", import.meta.url).pathname;
const columns = [{ header: "Name", key: "name", width: 20 }, { header: "Price", key: "price" }];

/** Params: the `rows`. */
export default async function run({ rows }: { rows: object[] }) {
  await mkdir(folder, { recursive: true });
  const workbook = new ExcelJS.Workbook();
  const sheet = workbook.addWorksheet("Prices");
  sheet.columns = columns;
  sheet.addRows(rows);
  sheet.getCell("B9").value = { formula: "SUM(B2:B8)", result: 42 };
  await workbook.xlsx.writeFile(`${folder}/prices.xlsx`);
  const read = new ExcelJS.Workbook();
  await read.xlsx.readFile(`${folder}/prices.xlsx`);
  const cells = read.getWorksheet("Prices")!;
  return {
    names: cells.getColumn(1).values.slice(2),
    price: cells.getCell("B3").value,
    sum: cells.getCell("B9").result,
    streamed: await streamedRowCount(rows),
  };
}

async function streamedRowCount(rows: readonly object[]): Promise<number> {
  const stream = new PassThrough();
  const written = buffer(stream);
  const workbook = new ExcelJS.stream.xlsx.WorkbookWriter({ stream });
  const sheet = workbook.addWorksheet("Prices");
  sheet.columns = columns;
  for (const row of rows) sheet.addRow(row).commit();
  await workbook.commit();
  const read = new ExcelJS.Workbook();
  await read.xlsx.read(Readable.from([await written]));
  return read.getWorksheet("Prices")!.rowCount;
}
