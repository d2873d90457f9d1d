// The toy problem of gradient descent: the mean of squares of a 10 × 10 weight.
import type { Backend } from "../../lib/backend/backend.ts";
import { backward } from "../../lib/graph/backward.ts";
import { releaseTensors } from "../../lib/backend/release.ts";
import { compile } from "../../lib/graph/compiled_graph.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { align } from "../../lib/graph/plan.ts";
import { BYTES_PER_ELEMENT, DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { linear } from "../../lib/ops/linear.ts";
import { Philox } from "../../lib/random/philox.ts";
import { clipGradNorm } from "../../lib/train/optimizer/clip_grad_norm.ts";
import { sgd } from "../../lib/train/optimizer/sgd.ts";
import type { Section } from "./markdown.ts";

/** Numbers in the weight. */
const SIZE = 100;

/** The weight's standard deviation at the start. */
const INITIAL_STD = 5;

const SEED = 0;
const STEPS = 10;
const LEARNING_RATES = [1, 1e1, 1e2, 1e3];

/**
 * Minimises mean(w²) by gradient descent, step t (from 0) with learning rate lr / √(t + 1).
 *
 * The weight is laid out as one row w of 100 numbers, so that w wᵀ, a linear map of w by itself, is the sum of its
 * squares. Its gradient comes from the map's backward rule for its input and for its weight, which are one tensor here;
 * the mean's 1/100 is the upstream gradient.
 *
 * @returns The loss before each step.
 */
export async function runToyProblem(backend: Backend, lr: number, steps: number): Promise<number[]> {
  const storage = new DeviceStorage("toy weight", align(SIZE * BYTES_PER_ELEMENT));
  const gradientStorage = new DeviceStorage("toy gradient", align(SIZE * BYTES_PER_ELEMENT));
  const weight = new Tensor("weight", [1, SIZE], { placement: { storage, byteOffset: 0 }, requiresGrad: true });
  const gradient = new Tensor("gradient", [1, SIZE], { placement: { storage: gradientStorage, byteOffset: 0 } });

  const graph = new Graph();
  const dSum = graph.input("dSum", [1, 1]);
  const schedule = graph.input("schedule", [1]);
  const sumOfSquares = linear(graph, weight, weight);
  backward(graph, sumOfSquares, dSum, { gradientOf: new Map([[weight, gradient]]) });
  const clip = clipGradNorm(graph, gradient, Infinity);
  sgd(graph, { parameters: weight, gradients: gradient, clip, schedule }, { weightDecay: 0 });

  using owned = new DisposableStack();
  const compiled = owned.use(await compile(backend, graph, { keep: [sumOfSquares] }));
  owned.defer(() => releaseTensors(backend, [weight, gradient]));
  const random = new Philox(SEED, 0);
  const initial = Float32Array.from({ length: SIZE }, (_, i) => INITIAL_STD * random.truncatedNormal(i, 3));
  compiled.set(weight, initial).set(dSum, [1 / SIZE]);
  const losses: number[] = [];
  for (let t = 0; t < steps; t++) {
    await compiled.set(schedule, [lr / Math.sqrt(t + 1)]).run();
    losses.push((await compiled.read(sumOfSquares))[0] / SIZE);
  }
  return losses;
}

/** The section on the learning rate. */
export async function sgdSection(backend: Backend): Promise<Section> {
  const reference = ["slow", "faster", "faster", "diverges"];
  const answers = [];
  for (const [i, lr] of LEARNING_RATES.entries()) {
    const losses = await runToyProblem(backend, lr, STEPS);
    const shown = losses.map((loss) => loss.toPrecision(3)).join(", ");
    answers.push({ question: `lr ${lr}`, reference: reference[i], here: `loss ${shown}` });
  }
  return {
    title: "Gradient descent",
    answers,
    remarks: [
      `Losses before each of ${STEPS} steps on mean(w²) of a 10 × 10 weight of standard deviation ${INITIAL_STD}, run by ` +
      `this project's autograd and SGD on ${backend.name} (${backend.description}). Step t multiplies w by ` +
      `1 − lr/(50·√(t+1)): at lr 100 that is −1 and then shrinks, at lr 1,000 it is −19.`,
    ],
  };
}
