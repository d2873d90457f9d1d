// The steps that change a text before it is split into words.

/** One step. The names are those of a tokenizer.json. */
export type NormalizerStep =
  /** Unicode's normalization forms. */
  | { readonly type: "NFC" | "NFD" | "NFKC" | "NFKD" }
  /** Lower case, each character by itself. */
  | { readonly type: "Lowercase" }
  /** Puts a text before each text, and before what follows each special token. */
  | { readonly type: "Prepend"; readonly prepend: string }
  /** Puts a text in the place of each of one character. */
  | { readonly type: "Replace"; readonly pattern: { readonly String: string }; readonly content: string };
