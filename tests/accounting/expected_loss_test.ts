import { assert } from "@std/assert";
import fc from "fast-check";
import { expectedLoss, isWithinFit, LOSS_FITS } from "../../lib/accounting/expected_loss.ts";
import { knownMfu } from "../../lib/accounting/measured_rates.ts";

/** Whether two numbers agree to a share; NaN does not. */
function isNear(actual: number, expected: number, share: number): boolean {
  return Math.abs(actual - expected) <= share * expected;
}

Deno.test("the fit expects of Chinchilla and Gopher what their authors say of them", () => {
  // Hoffmann et al. 2022, section 3.3 and figure 4: Chinchilla is expected to be the better of the two for equal compute.
  const chinchilla = expectedLoss(70e9, 1.4e12);
  const gopher = expectedLoss(280e9, 300e9);
  assert(chinchilla < gopher, `${chinchilla}, ${gopher}`);
  // exp and log instead of powers.
  const terms = (N: number, D: number) =>
    1.69 + 406.4 * Math.exp(-0.34 * Math.log(N)) + 410.7 * Math.exp(-0.28 * Math.log(D));
  assert(isNear(chinchilla, terms(70e9, 1.4e12), 1e-12));
  assert(isNear(gopher, terms(280e9, 300e9), 1e-12));
});

Deno.test("more parameters and more tokens never raise the expected loss, and it stays above the text's entropy", () => {
  const amount = fc.double({ min: 1e5, max: 1e12, noNaN: true });
  const factor = fc.double({ min: 1, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(amount, amount, factor, fc.constantFrom(...Object.values(LOSS_FITS)), (N, D, more, fit) => {
      const loss = expectedLoss(N, D, fit);
      assert(loss > fit.E);
      assert(expectedLoss(more * N, D, fit) <= loss && expectedLoss(N, more * D, fit) <= loss);
    }),
    { seed: 1 },
  );
});

Deno.test("a model is within the fit where both its numbers are", () => {
  assert(isWithinFit(70e6, 5e9) && isWithinFit(16e9, 500e9));
  for (const [N, D] of [[69e6, 1e10], [17e9, 1e10], [1e9, 4.9e9], [1e9, 501e9]]) {
    assert(!isWithinFit(N, D), `${N}, ${D}`);
  }
});

Deno.test("on an H100 the share of the peak is the one that was measured", async () => {
  const { mfu, source } = knownMfu("h100");
  // The measurement as it was recorded, and the products of its model: 4 layers of 512, 1,344 and 10,000 tokens.
  const lines = (await Deno.readTextFile(new URL("../../data/benchmarks/h100/after.jsonl", import.meta.url))).split(
    "\n",
  );
  const rates = lines.flatMap((line) => /"large-128", "tokensPerSecond": (327976\.\d+)/.exec(line)?.[1] ?? []);
  assert(rates.length > 0);
  const forward = 2 * (4 * (4 * 512 * 512 + 3 * 512 * 1344 + 2 * 256 * 512) + 512 * 10_000);
  assert(isNear(mfu, 3 * forward * Number(rates[0]) / 67e12, 1e-5));
  assert(source === "measured");
  assert(knownMfu("rtx-4090").source === "assumed");
});
