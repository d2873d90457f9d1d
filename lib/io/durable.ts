// What a power cut must not undo.
import { errorCodeOf } from "./error_code.ts";
import { parentOf } from "./parent_of.ts";

/** Waits until a directory's entries (names made, moved, removed in it) are on disk, where the system can tell. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories as files; its file system keeps names in order by itself.
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path);
  try {
    await directory.sync();
  } catch (error) {
    // Some network file systems know no such thing for directories.
    if (!["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(errorCodeOf(error) ?? "")) throw error;
  }
}

/** Waits until a directory and all files and directories below it are on disk. */
export async function syncTree(path: string): Promise<void> {
  for (const { name, isFile, isDirectory } of await Array.fromAsync(Deno.readDir(path))) {
    if (isDirectory) await syncTree(`${path}/${name}`);
    if (!isFile) continue;
    using file = await Deno.open(`${path}/${name}`, { read: true, write: Deno.build.os === "windows" });
    await file.sync();
  }
  await syncDirectory(path);
}

/** Gives a file another name, in the place of what has it, once the file is on disk; so is the name then. */
export async function renameDurably(from: string, to: string): Promise<void> {
  {
    using file = await Deno.open(from, { read: true, write: Deno.build.os === "windows" });
    await file.sync();
  }
  await Deno.rename(from, to);
  await syncDirectory(parentOf(to));
}
