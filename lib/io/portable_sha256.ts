// SHA-256 at once, and wherever this runs: a browser's own makes one wait, and node:crypto is not there.
// Source: FIPS 180-4, sections 4.1.2 (functions), 4.2.2 (constants), 5.1.1 (padding) and 6.2.2 (the computation).

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
// deno-fmt-ignore
const CONSTANTS = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);

/** The first 32 bits of the fractional parts of the square roots of the first 8 primes. */
// deno-fmt-ignore
const INITIAL_HASH = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;

const BLOCK_BYTES = 64;
/** After the message: a byte, and its length in bits as 8 bytes. */
const MIN_PADDING_BYTES = 9;

/** The SHA-256 of some bytes, as 32 bytes. */
export function portableSha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const hash = Int32Array.from(INITIAL_HASH);
  const wholeBytes = bytes.length - bytes.length % BLOCK_BYTES;
  addBlocks(hash, bytes.subarray(0, wholeBytes));
  addBlocks(hash, lastBlocks(bytes.subarray(wholeBytes), bytes.length));
  const digest = new DataView(new ArrayBuffer(4 * hash.length));
  hash.forEach((word, i) => digest.setInt32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

/** What is left of a message of `length` bytes, and its padding: one block or two. */
function lastBlocks(rest: Uint8Array, length: number): Uint8Array {
  const blocks = new Uint8Array(BLOCK_BYTES * Math.ceil((rest.length + MIN_PADDING_BYTES) / BLOCK_BYTES));
  blocks.set(rest);
  blocks[rest.length] = 0x80;
  new DataView(blocks.buffer).setBigUint64(blocks.length - 8, BigInt(length) * 8n);
  return blocks;
}

/** Goes on with a hash over whole blocks. */
function addBlocks(hash: Int32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const schedule = new Int32Array(BLOCK_BYTES);
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    for (let t = 0; t < 16; t++) schedule[t] = view.getInt32(at + 4 * t);
    for (let t = 16; t < 64; t++) {
      const before15 = schedule[t - 15], before2 = schedule[t - 2];
      const sigma0 = rotated(before15, 7) ^ rotated(before15, 18) ^ before15 >>> 3;
      const sigma1 = rotated(before2, 17) ^ rotated(before2, 19) ^ before2 >>> 10;
      schedule[t] = sigma1 + schedule[t - 7] + sigma0 + schedule[t - 16] | 0;
    }
    let a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (let t = 0; t < 64; t++) {
      const sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
      const sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
      const first = h + sum1 + (e & f ^ ~e & g) + CONSTANTS[t] + schedule[t] | 0;
      const second = sum0 + (a & b ^ a & c ^ b & c) | 0;
      h = g;
      g = f;
      f = e;
      e = d + first | 0;
      d = c;
      c = b;
      b = a;
      a = first + second | 0;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
    hash[5] += f;
    hash[6] += g;
    hash[7] += h;
  }
}

/** The 32 bits of `x` turned to the right. */
function rotated(x: number, bits: number): number {
  return x >>> bits | x << 32 - bits;
}
