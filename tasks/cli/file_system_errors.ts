// Words the operating system's errors about files like other messages.
import { errorCodeOf } from "../../lib/io/error_code.ts";
import { withoutTemporaryNames } from "../../lib/io/temporary.ts";

/** What was tried, by Deno's name for it; other names are used as they are. */
const VERBS: Readonly<Record<string, string>> = {
  writefile: "write",
  rename: "write",
  readfile: "read",
  readdir: "read",
  mkdir: "make",
  stat: "find",
  lstat: "find",
};

const ROOM = "have room. Free some space on that disk";
const PERMITTED = "be permitted. Check its owner and its permissions";

/** What must be and what to do next, by the system's name for what is wrong. Source: POSIX.1-2017, errno.h. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: ROOM,
  EDQUOT: ROOM,
  EFBIG: "be within the limit on the size of files. Raise it: ulimit -f",
  EROFS: "be writable. Choose another place",
  EACCES: PERMITTED,
  EPERM: PERMITTED,
  ENOTDIR: "be inside a directory. Check the path",
  EISDIR: "be a file. Move that directory away",
  ENOTEMPTY: "be a file. Move that directory away",
  EEXIST: "be a new path. Move what is there out of the way",
  ENOENT: "exist. Check the path",
  ELOOP: "lead to a file. Check its symbolic links",
  ENAMETOOLONG: "be a shorter path",
  EMFILE: "be within the limit on open files. Raise it: ulimit -n",
  EIO: "be readable and writable. Check that disk",
};

/** Whether the operating system or Deno's permissions refused something: a disk is full, a file is missing. */
export function isFileSystemError(error: unknown): boolean {
  if (error instanceof Deno.errors.NotCapable) return true;
  // Other codes, such as those of node's own errors, have underscores.
  return error instanceof Error && /^E[A-Z0-9]+$/.test(errorCodeOf(error) ?? "");
}

/** One sentence about such an error; its own message where it is of another form. */
export function describeFileSystemError(error: Error): string {
  // Deno says only in the message what was tried, and with which path.
  const parts = /^(.+? \(os error \d+\))(?:: (\w+) '(.*?)'(?: -> '(.*)')?)?$/s.exec(error.message);
  if (parts === null) return error.message;
  const [, got, operation, path, target] = parts;
  // Everything is written under a temporary name first, which would mean nothing to the user.
  const named = withoutTemporaryNames(target ?? path ?? "");
  const tried = operation === undefined ? "continue" : `${VERBS[operation] ?? operation} ${named}`;
  const mustBe = ADVICE[errorCodeOf(error) ?? ""] ?? "succeed";
  return `Cannot ${tried}: got "${got}", must ${mustBe}`;
}
