// Lists of ids share pieces of memory that others have left: what one has taken, no other may write over.
import { assert, assertEquals } from "@std/assert";
import { IdBuffer, SparePieces } from "../../../lib/tokenizer/encode/id_buffer.ts";
import { Random } from "../../harness/random.ts";

for (const IdArray of [Uint16Array, Uint32Array]) {
  Deno.test(`lists that share spare pieces hold their own ids: ${IdArray.name}`, () => {
    const generator = new Random(5);
    const random = () => generator.next();
    const spare = new SparePieces();
    const lists = Array.from(
      { length: 3 },
      () => ({ buffer: new IdBuffer(IdArray, spare), expected: [] as number[][] }),
    );
    let largest = 0;
    for (let step = 0; step < 150; step++) {
      const { buffer, expected } = lists[Math.floor(random() * lists.length)];
      const count = Math.floor(random() ** 3 * 400_000);
      const first = Math.floor(random() * 1000);
      const ids = Array.from({ length: count }, (_, i) => (first + i) % 65_536);
      buffer.append(IdArray.from(ids));
      expected.push(ids);
      if (random() > 0.15) continue;
      const taken = buffer.take();
      const all = expected.splice(0).flat();
      largest = Math.max(largest, all.length);
      assert(taken instanceof Uint32Array);
      assertEquals(taken.byteLength, taken.buffer.byteLength);
      assertEquals(taken.length, all.length);
      assertEquals(all.findIndex((id, i) => taken[i] !== id), -1);
    }
    assert(largest > 3 * 2 ** 18, `${largest}`);
  });
}
