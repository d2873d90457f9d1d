/** A file of TypeScript in the project. */
export interface SourceFile {
  /** From the project's folder. */
  readonly path: string;
  readonly text: string;
}

const ROOT = new URL("../../", import.meta.url);

/** Every file of TypeScript under one of the project's folders, for tests of what the sources say. */
export function* filesUnder(folder: string): Generator<SourceFile> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesUnder(path);
    else if (name.endsWith(".ts")) yield { path, text: Deno.readTextFileSync(new URL(path, ROOT)) };
  }
}
