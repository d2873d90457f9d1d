// A text as classes of characters, which is what patterns are matched against.
import { INVALID } from "../regex/char_set.ts";

/** Classes of characters, and the bytes where they start. Its memory is used again for the next text. */
export class CharText {
  classes = new Uint8Array(1 << 12);
  /** Where each character starts in the bytes; then where the last one ends. */
  offsets = new Uint32Array(1 << 12);
  length = 0;

  /** Makes room for `length` characters. What is there is lost. */
  reserve(length: number): void {
    if (length < this.offsets.length) return;
    const room = Math.max(length + 1, this.offsets.length * 2);
    this.classes = new Uint8Array(room);
    this.offsets = new Uint32Array(room);
  }

  /** Reads `bytes[start..end)`. Offsets count from `start`. */
  decode(bytes: Uint8Array, start: number, end: number, classOf: Uint8Array): void {
    this.reserve(end - start);
    const { classes, offsets } = this;
    let count = 0;
    for (let at = start; at < end; count++) {
      offsets[count] = at - start;
      const byte = bytes[at];
      if (byte < 0x80) {
        classes[count] = classOf[byte];
        at++;
        continue;
      }
      const char = codePointAt(bytes, at, end);
      classes[count] = classOf[char];
      at += char === INVALID ? 1 : byteLength(char);
    }
    offsets[count] = end - start;
    this.length = count;
  }
}

/** The code point of the character at `bytes[at]`; {@linkcode INVALID} for a byte that starts none before `end`. */
export function codePointAt(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return lead;
  const second = at + 1 < end ? bytes[at + 1] ^ 0x80 : 0xff;
  if (lead < 0xc2 || lead > 0xf4 || second > 0x3f) return INVALID;
  if (lead < 0xe0) return (lead & 0x1f) << 6 | second;
  const third = at + 2 < end ? bytes[at + 2] ^ 0x80 : 0xff;
  if (third > 0x3f) return INVALID;
  if (lead < 0xf0) {
    const char = (lead & 0x0f) << 12 | second << 6 | third;
    return char < 0x800 || (char & 0xf800) === 0xd800 ? INVALID : char;
  }
  const fourth = at + 3 < end ? bytes[at + 3] ^ 0x80 : 0xff;
  const char = (lead & 0x07) << 18 | second << 12 | third << 6 | fourth;
  return fourth > 0x3f || char < 0x10000 || char > 0x10ffff ? INVALID : char;
}

/** The code point of the character that ends at `end`, and starts at `start` or after it; {@linkcode INVALID} if none. */
export function codePointBefore(bytes: Uint8Array, start: number, end: number): number {
  for (let length = 1; length <= 4 && end - length >= start; length++) {
    if ((bytes[end - length] & 0xc0) === 0x80) continue;
    const char = codePointAt(bytes, end - length, end);
    return char !== INVALID && byteLength(char) === length ? char : INVALID;
  }
  return INVALID;
}

/** How many bytes UTF-8 takes for a character. */
export function byteLength(char: number): number {
  return char < 0x80 ? 1 : char < 0x800 ? 2 : char < 0x10000 ? 3 : 4;
}
