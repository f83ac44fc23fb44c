// A disk of a few MiB, to be filled: a tmpfs, which only root may mount, and not in every container.

const fillName = "fill";

/** Why no small disk can be made here; undefined: one can. */
export const noSmallDisk: string | undefined = whyNoSmallDisk();

/** A mounted disk. `await using` unmounts it. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts a disk of that size. */
  static mount(bytes: number): SmallDisk {
    const path = Deno.makeTempDirSync({ prefix: "valet_disk_" });
    run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path);
    return new SmallDisk(path);
  }

  /** Takes all the room but so many bytes. */
  fill(leftBytes = 0): void {
    const file = Deno.openSync(`${this.path}/${fillName}`, { write: true, create: true });
    const block = new Uint8Array(4096);
    let size = 0;
    try {
      while (true) size += file.writeSync(block);
    } catch (thrown) {
      // What it is for.
      if (!/os error 28/.test(String(thrown))) throw thrown;
    }
    file.truncateSync(Math.max(0, size - leftBytes));
    file.close();
  }

  /** Gives the room back. */
  free(): void {
    Deno.removeSync(`${this.path}/${fillName}`);
  }

  // deno-lint-ignore require-await -- the interface wants a promise
  async [Symbol.asyncDispose](): Promise<void> {
    run("umount", "--lazy", this.path);
    Deno.removeSync(this.path);
  }
}

function run(command: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}

function whyNoSmallDisk(): string | undefined {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "only root on Linux can mount a tmpfs";
  const path = Deno.makeTempDirSync({ prefix: "valet_disk_" });
  try {
    run("mount", "-t", "tmpfs", "tmpfs", path);
    run("umount", path);
    return undefined;
  } catch (thrown) {
    return String(thrown);
  } finally {
    Deno.removeSync(path);
  }
}
