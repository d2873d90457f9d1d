// Tokens as people can read them.

/**
 * A token's bytes in quotes: as text if they are UTF-8, with what cannot be seen escaped, else as `\xe4\xbd`.
 */
export function quoteToken(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return JSON.stringify(text).replace(
      /(?! )[\p{C}\p{Z}]/gu,
      (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`,
    );
  } catch {
    return `"${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}"`;
  }
}
