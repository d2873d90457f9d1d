import type { TextSource } from "./text_source.ts";

/** Many texts, one after the other: those of a JSON Lines file, for example. */
export interface Texts {
  /** The texts in order, as strings or UTF-8. */
  readonly texts: AsyncIterable<string | Uint8Array>;
}

/** The texts of a source: many, or the source itself. */
export async function* textsOf<S extends TextSource>(source: S | Texts): AsyncGenerator<S | string | Uint8Array> {
  if (typeof source === "object" && "texts" in source) yield* source.texts;
  else yield source;
}
