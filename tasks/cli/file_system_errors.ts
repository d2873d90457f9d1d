// What the operating system says of a file, in the words that other mistakes are told in.

/** What was tried, by Deno's names for it; any other stands for itself. */
const VERBS: Readonly<Record<string, string>> = {
  writefile: "write",
  rename: "write",
  readfile: "read",
  readdir: "read",
  mkdir: "make",
  stat: "find",
  lstat: "find",
};

/** What must be and what to do next, by what the system says. Linux and macOS use the same words; Windows has its own. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/no space left|not enough space|quota exceeded/i, "have room. Free some space on that disk"],
  [/read-only/i, "be writable. Choose another place"],
  [/permission denied|access is denied/i, "be permitted. Check its owner and its permissions"],
  [/not a directory/i, "be below a directory. Check the path"],
  [/is a directory|directory not empty/i, "be a file. Move that directory away"],
  [/no such file|cannot find/i, "exist. Check the path"],
];

/** Whether the operating system refused something: a disk is full, a file is missing or not permitted. */
export function isFileSystemError(error: unknown): boolean {
  const { NotFound, PermissionDenied, AlreadyExists, IsADirectory, NotADirectory, NotCapable } = Deno.errors;
  const kinds = [NotFound, PermissionDenied, AlreadyExists, IsADirectory, NotADirectory, NotCapable];
  return error instanceof Error &&
    (kinds.some((kind) => error instanceof kind) || /\(os error \d+\)/.test(error.message));
}

/** One sentence about such an error; its own message where it is of another form. */
export function describeFileSystemError({ message }: Error): string {
  const parts = /^(.+ \(os error \d+\))(?:: (\w+) '(.*?)'(?: -> '(.*)')?)?$/s.exec(message);
  if (parts === null) return message;
  const [, got, operation, path, target] = parts;
  // Everything is written under a temporary name first, which would tell a person nothing.
  const named = (target ?? path)?.replace(/\.[0-9a-f]{8}\.tmp(?=$|\/)/, "");
  const tried = operation === undefined ? "go on" : `${VERBS[operation] ?? operation} ${named}`;
  const mustBe = ADVICE.find(([said]) => said.test(got))?.[1] ?? "succeed";
  return `Cannot ${tried}: got "${got}", must ${mustBe}`;
}
