// GPT-2's spelling of bytes as printable characters, in which vocabulary files write tokens.
// Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py, bytes_to_unicode()

/** Whether a byte is spelled as the character of the same number: printable ASCII and Latin-1, without the soft hyphen. */
function isSpelledAsItself(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

const ALL_BYTES = Array.from({ length: 256 }, (_, byte) => byte);

/** The bytes in the order of their spellings, which is the order of their ids: those spelled as themselves, then the rest. */
export const BYTE_OF_RANK: readonly number[] = [
  ...ALL_BYTES.filter(isSpelledAsItself),
  ...ALL_BYTES.filter((byte) => !isSpelledAsItself(byte)),
];

const NUM_SELF = ALL_BYTES.filter(isSpelledAsItself).length;
const CODE_OF_BYTE = new Uint16Array(256);
/** Byte by the code of its spelling, or -1. */
const BYTE_OF_CODE = new Int16Array(256 + 256 - NUM_SELF).fill(-1);
BYTE_OF_RANK.forEach((byte, rank) => {
  CODE_OF_BYTE[byte] = rank < NUM_SELF ? byte : 256 + rank - NUM_SELF;
  BYTE_OF_CODE[CODE_OF_BYTE[byte]] = byte;
});

/** The code of the character that a byte is spelled as. */
export function codeOfByte(byte: number): number {
  return CODE_OF_BYTE[byte];
}

/** Spells bytes as printable characters, one each. */
export function spellBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(CODE_OF_BYTE[byte]);
  return text;
}

/** The bytes that `text` spells, or `undefined` if it has a character that spells none. */
export function unspellBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const byte = code < BYTE_OF_CODE.length ? BYTE_OF_CODE[code] : -1;
    if (byte < 0) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
