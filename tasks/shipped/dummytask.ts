// The smallest task: ignores its params and returns a text. Good for trying Valet out.

/** Returns `"some metadata"`, whatever the params. */
export default function dummytask(): string {
  return "some metadata";
}
