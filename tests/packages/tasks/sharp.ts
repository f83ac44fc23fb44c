// Makes an image with sharp, which is a native module: that is refused when it is loaded, here with the job.

/** Needs no params. */
export default async function run() {
  const { default: sharp } = await import("sharp");
  const create = { width: 8, height: 8, channels: 3, background: "red" } as const;
  return (await sharp({ create }).png().toBuffer()).length;
}
