// Makes an image with sharp, which is a native module.

import sharp from "sharp";

/** Needs no params. */
export default async function run() {
  const create = { width: 8, height: 8, channels: 3, background: "red" } as const;
  return (await sharp({ create }).png().toBuffer()).length;
}
