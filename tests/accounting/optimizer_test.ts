import { assert, assertEquals } from "@std/assert";
import {
  ADAMW_UPDATE,
  CLIPPING,
  optimizerFlops,
  stateElements,
  type UpdateItem,
  updateParts,
} from "../../lib/accounting/optimizer.ts";
import { countParameters } from "../../lib/accounting/parameters.ts";
import { countProgram } from "../../lib/accounting/program.ts";
import { PRESETS } from "../../lib/model/config.ts";
import { OPTIMIZERS } from "../../lib/train/optimizer/registry.ts";
import { plannedTrainer } from "./programs.ts";

const TINY = PRESETS.tiny;

/** Arithmetic that counts itself. */
class Counter {
  flops = 0;
  readonly add = (a: number, b: number) => (this.flops++, a + b);
  readonly sub = (a: number, b: number) => (this.flops++, a - b);
  readonly mul = (a: number, b: number) => (this.flops++, a * b);
  readonly div = (a: number, b: number) => (this.flops++, a / b);
  readonly sqrt = (a: number) => (this.flops++, Math.sqrt(a));
}

const perParameter = (items: readonly UpdateItem[]) => items.reduce((sum, { flops }) => sum + flops, 0);

Deno.test("AdamW's FLOPs per parameter equal those of an update that counts its operations", () => {
  const [theta, g, m, v] = [0.7, -0.3, 0.2, 0.05];
  const [beta1, beta2, eps, lr, decay, t] = [0.9, 0.95, 1e-8, 1e-2, 0.1, 3];
  // The same for every parameter, so not counted.
  const [rest1, rest2, keep] = [1 - beta1, 1 - beta2, 1 - lr * decay];
  const [c1, c2] = [1 - beta1 ** t, 1 - beta2 ** t];

  const counted = new Counter();
  const steps: number[] = [];
  const mark = () => steps.push(counted.flops - steps.reduce((a, b) => a + b, 0));
  const newM = counted.add(counted.mul(beta1, m), counted.mul(rest1, g));
  mark();
  const newV = counted.add(counted.mul(beta2, v), counted.mul(counted.mul(rest2, g), g));
  mark();
  const [mHat, vHat] = [counted.div(newM, c1), counted.div(newV, c2)];
  mark();
  const change = counted.div(counted.mul(lr, mHat), counted.add(counted.sqrt(vHat), eps));
  const decayed = keep * theta;
  const newTheta = counted.sub(decayed, change);
  mark();
  counted.mul(keep, theta);
  mark();

  assertEquals(steps, ADAMW_UPDATE.map((item) => item.flops));
  assertEquals(perParameter(ADAMW_UPDATE), 15);
  // The counted update is AdamW: the textbook's formula gives the same parameter.
  const plain = theta - lr * decay * theta -
    lr * ((beta1 * m + rest1 * g) / c1) / (Math.sqrt((beta2 * v + rest2 * g * g) / c2) + eps);
  assert(Math.abs(newTheta - plain) <= 1e-15, `${newTheta} is not ${plain}`);
});

Deno.test("Muon's products and state are those of its program, and the model's passes count as with any optimizer", async () => {
  for (
    const [name, shape] of Object.entries({
      tiny: { ...TINY, vocabSize: 100 },
      wide: { ...TINY, vocabSize: 7, dFf: 24 },
    })
  ) {
    const [muon, sgd] = [
      await plannedTrainer(shape, 2, { optimizer: "muon" }),
      await plannedTrainer(shape, 2, { optimizer: "sgd" }),
    ];
    const [counted, plain] = [muon, sgd].map(({ program }) => countProgram(program));
    assertEquals([counted.forwardMatmul, counted.backwardMatmul], [plain.forwardMatmul, plain.backwardMatmul], name);
    const parts = updateParts(shape, "muon");
    assertEquals(parts.map(({ title }) => title), ["Muon", "AdamW"]);
    // Besides the products, at most 30 FLOPs for each number: Muon's and AdamW's.
    const [products, parameters] = [parts[0].products, countParameters(shape)];
    const more = counted.other - plain.other - products;
    assert(products > 0 && more > 0 && more < 60 * parameters, `${name}: ${more} beside the products`);
    const kept = [...muon.optimizerState.values()].reduce((sum, { size }) => sum + size, 0);
    assertEquals(stateElements(shape, "muon"), kept, name);
    assertEquals(parts.reduce((sum, part) => sum + part.parameters, 0), parameters, name);
  }
});

Deno.test("optimizerFlops multiplies by the parameters; clipping and SGD are counted apart", () => {
  assertEquals(optimizerFlops(2_127_057_600), 31_905_864_000);
  assertEquals(optimizerFlops(10, OPTIMIZERS.sgd.work), 20);
  assertEquals(perParameter(CLIPPING), 3);
});
