// Files counted by what their names end in.

/** The files of one kind. */
export interface InputKind {
  /** What their names end in, in small letters: `.txt`, `.jsonl.gz`; empty where that is nothing. */
  readonly extension: string;
  /** How many there are. */
  readonly files: number;
  /** Their bytes together, as stored. */
  readonly bytes: number;
}

/**
 * Files by kind: the kind with most files first, of those the one with most bytes.
 * @param inputs Files and other inputs; those whose size is not known, standard input among them, are not counted.
 */
export function inputKinds(inputs: readonly { readonly path: string; readonly bytes?: number }[]): InputKind[] {
  const kinds = new Map<string, { files: number; bytes: number }>();
  for (const { path, bytes } of inputs) {
    if (bytes === undefined) continue;
    const extension = extensionOf(path);
    const kind = kinds.get(extension) ?? { files: 0, bytes: 0 };
    kinds.set(extension, { files: kind.files + 1, bytes: kind.bytes + bytes });
  }
  return [...kinds].map(([extension, kind]) => ({ extension, ...kind })).sort((a, b) =>
    b.files - a.files || b.bytes - a.bytes || (a.extension < b.extension ? -1 : 1)
  );
}

/** What a file's name ends in: letters and digits after a dot that is not its first character, and `.gz` or `.zst` after those. */
export function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const [extension = ""] = /(?<=.)\.[\p{L}\p{N}_+-]{1,16}(?:(?<!\.gz)\.gz|(?<!\.zst)\.zst)?$/ui.exec(name) ?? [];
  return extension.toLowerCase();
}
