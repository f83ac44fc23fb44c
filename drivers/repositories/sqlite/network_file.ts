// Tells whether a file is on a network file system, where SQLite's shared memory misleads other machines.
// Used by file.ts; node:fs alone can ask the system for it.

/** The file systems that other machines may reach, by the number that Linux gives them. */
const networkTypes: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2 and 3
  0x517b, // SMB
  0x01021997, // 9p: folders of the host in a virtual machine
  0x65735546, // FUSE: sshfs, GlusterFS, virtiofs, Docker Desktop
  0x786f4256, // VirtualBox
  0x00c36400, // Ceph
  0x5346414f, // AFS
  0x01161970, // GFS2
  0x7461636f, // OCFS2
  0x0bd00bd0, // Lustre
  0x47504653, // GPFS
]);

/** Whether the file is on one of them. Where the system is not Linux nobody knows, and it is false. */
export async function isOnNetwork(path: string): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const { statfsSync } = await import("node:fs");
  return isNetworkType(statfsSync(path).type);
}

/** Whether the number is that of a network file system, also where the system says it as a signed one. */
export function isNetworkType(type: number): boolean {
  return networkTypes.has(type >>> 0);
}
