// Makes an image with jimp, makes it smaller, writes it as PNG and JPEG and reads those.

import { Jimp } from "jimp";

/** Needs no params. */
export default async function run() {
  const image = new Jimp({ width: 64, height: 48, color: 0xff0000ff });
  image.resize({ w: 32, h: 24 }).greyscale();
  const formats = await Promise.all((["image/png", "image/jpeg"] as const).map(async (type) => {
    const read = await Jimp.fromBuffer(await image.getBuffer(type));
    return { type: read.mime, width: read.width, height: read.height };
  }));
  return { formats, grey: image.getPixelColor(3, 3).toString(16) };
}
