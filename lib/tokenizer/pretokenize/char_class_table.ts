// From UTF-8 bytes to character classes.
import packed from "./char_class_table.b64" with { type: "text" };

/** The class of every code point: Unicode 16, from the runs that tasks/build_char_classes.ts packed. */
function unpackCharClasses(): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.fromBase64(packed.trimEnd());
  const classes = new Uint8Array(0x110000);
  for (let i = 0, start = 0; i < bytes.length;) {
    const first = bytes[i++];
    let length = first >> 3 & 15;
    for (let shift = 4, more = first & 0x80; more; shift += 7) {
      more = bytes[i] & 0x80;
      length |= (bytes[i++] & 0x7f) << shift;
    }
    classes.fill(first & 7, start, start += length);
  }
  return classes;
}

/** The class of every code point. */
export const CHAR_CLASSES = unpackCharClasses();

/**
 * The character that starts at `bytes[at]`: its class in the low 3 bits, its length in bytes above them.
 * A byte that starts no valid UTF-8 sequence before `end` is a character of its own, of class `OTHER`.
 */
export function charAt(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return CHAR_CLASSES[lead] | 1 << 3;
  const second = at + 1 < end ? bytes[at + 1] ^ 0x80 : 0xff;
  if (lead < 0xc2 || lead > 0xf4 || second > 0x3f) return 1 << 3;
  if (lead < 0xe0) return CHAR_CLASSES[(lead & 0x1f) << 6 | second] | 2 << 3;
  const third = at + 2 < end ? bytes[at + 2] ^ 0x80 : 0xff;
  if (third > 0x3f) return 1 << 3;
  if (lead < 0xf0) {
    const codePoint = (lead & 0x0f) << 12 | second << 6 | third;
    const isSurrogate = (codePoint & 0xf800) === 0xd800;
    return codePoint < 0x800 || isSurrogate ? 1 << 3 : CHAR_CLASSES[codePoint] | 3 << 3;
  }
  const fourth = at + 3 < end ? bytes[at + 3] ^ 0x80 : 0xff;
  const codePoint = (lead & 0x07) << 18 | second << 12 | third << 6 | fourth;
  if (fourth > 0x3f || codePoint < 0x10000 || codePoint > 0x10ffff) return 1 << 3;
  return CHAR_CLASSES[codePoint] | 4 << 3;
}
