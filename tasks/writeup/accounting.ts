// Questions on parameters, FLOPs, memory and time.
import { countActivations } from "../../lib/accounting/activations.ts";
import { DEVICES } from "../../lib/accounting/devices.ts";
import { type ForwardFlops, forwardFlops } from "../../lib/accounting/flops.ts";
import { largestBatch, trainingMemory } from "../../lib/accounting/memory.ts";
import { ADAMW_UPDATE, optimizerFlops } from "../../lib/accounting/optimizer.ts";
import { countParameters, parameterItems } from "../../lib/accounting/parameters.ts";
import { GPT2_SHAPES, type ModelShape } from "../../lib/accounting/shape.ts";
import { energyKwh, stepFlops, timeFor } from "../../lib/accounting/time.ts";
import { formatBinary, formatCount, formatShare, formatSi } from "../../lib/accounting/units.ts";
import type { Answer, Section } from "./markdown.ts";

const XL = GPT2_SHAPES["gpt2-xl"];
const SILU_XL: ModelShape = { ...XL, ffn: "silu" };
const A100 = DEVICES.a100;

/** The reference's rows: total; head; blocks; one block; its attention; its feed-forward. */
const REFERENCE_ROWS: readonly [name: string, shape: ModelShape, row: string][] = [
  [
    "GPT-2 small",
    GPT2_SHAPES["gpt2-small"],
    "3.50E+11; 7.90E+10 22.61 %; 2.705829E+11 77.39 %; 2.25E+10; 8.05E+09 35.71 %; 1.45E+10 64.29 %",
  ],
  [
    "GPT-2 medium",
    GPT2_SHAPES["gpt2-medium"],
    "1.03E+12; 1.05E+11 10.20 %; 9.277129E+11 89.80 %; 3.87E+10; 1.29E+10 33.33 %; 2.58E+10 66.67 %",
  ],
  [
    "GPT-2 large",
    GPT2_SHAPES["gpt2-large"],
    "2.26E+12; 1.32E+11 5.84 %; 2.126009E+12 94.16 %; 5.91E+10; 1.88E+10 31.82 %; 4.03E+10 68.18 %",
  ],
  ["GPT-2 XL", XL, "4.51E+12; 1.65E+11 3.65 %; 4.348654E+12 96.35 %; 9.06E+10; 2.77E+10 30.56 %; 6.29E+10 69.44 %"],
  [
    "GPT-2 XL, context 16,384",
    { ...XL, contextLength: 16_384 },
    "1.50E+14; 2.63E+12 1.76 %; 1.468879E+14 98.24 %; 3.06E+12; 2.05E+12 67.11 %; 1.01E+12 32.89 %",
  ],
];

/** A number as the reference prints it: `4.51E+12`. */
export function exponential(value: number, digits = 2): string {
  const [mantissa, exponent] = value.toExponential(digits).split("e");
  return `${mantissa}E${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** A row in the reference's form. */
export function forwardRow({ total, head, blocks, block, attention, feedForward }: ForwardFlops): string {
  return [
    exponential(total),
    `${exponential(head)} ${formatShare(head / total)}`,
    `${exponential(blocks, 6)} ${formatShare(blocks / total)}`,
    exponential(block),
    `${exponential(attention)} ${formatShare(attention / block)}`,
    `${exponential(feedForward)} ${formatShare(feedForward / block)}`,
  ].join("; ");
}

/** The section on the Transformer's parameters and FLOPs. */
export function transformerSection(): Section {
  const items = parameterItems(XL);
  const parameters = countParameters(XL);
  const finalNorm = items.find(({ name }) => name === "final norm")!.count;
  const rows = REFERENCE_ROWS.map(([name, shape, reference]): Answer => {
    return { question: `${name}: forward FLOPs`, reference, here: forwardRow(forwardFlops(shape)) };
  });
  const at1024 = forwardFlops(XL);
  const scoresShare = (shape: ModelShape) => 4 * shape.contextLength ** 2 * shape.dModel / forwardFlops(shape).block;
  return {
    title: "Transformer accounting",
    answers: [
      {
        question: "GPT-2 XL: parameters",
        reference: "2,127,056,000",
        here: `${formatCount(parameters)}: ${
          items.map(({ name, count }) => `${name} ${formatCount(count)}`).join(", ")
        }`,
      },
      {
        question: "GPT-2 XL: float32 weights",
        reference: "8.51 GB = 7.92 GiB",
        here: `${formatSi(4 * parameters, "B")} = ${formatBinary(4 * parameters)}`,
      },
      ...rows,
    ],
    remarks: [
      `Rows read: total; head; blocks; one block; its attention; its feed-forward. The reference's parameter count is ` +
      `${formatCount(parameters - finalNorm)}, which leaves out the final norm's ${formatCount(finalNorm)}.`,
      `The reference's prose says that attention's score product costs most. Its own table says otherwise at context ` +
      `1,024: the feed-forward takes ${formatShare(at1024.feedForward / at1024.block)} of a block, and scores and ` +
      `weighted values together ${formatShare(scoresShare(XL))}. At 16,384 it is true: they take ` +
      `${formatShare(scoresShare({ ...XL, contextLength: 16_384 }))}.`,
    ],
  };
}

/** The section on AdamW's memory, FLOPs and time. */
export function adamwSection(): Section {
  const memory = trainingMemory(SILU_XL);
  const fixed = memory.total - memory.activations;
  const perBatch = countActivations(SILU_XL);
  const perParameter = optimizerFlops(1);
  const time = (shape: ModelShape) => {
    const step = stepFlops(shape, { batchSize: 1024 });
    const duration = timeFor(400_000 * step.total, A100.peakF32, 0.5);
    return `${formatCount(duration.hours)} hours = ${formatCount(duration.days)} days = ${duration.years.toFixed(1)} ` +
      `years, ${formatCount(energyKwh(duration, A100.power))} kWh at ${A100.power} W`;
  };
  return {
    title: "AdamW accounting",
    answers: [
      {
        question: "Parameters, gradients, optimizer state (two feed-forward matrices)",
        reference: "P = 2vd + n(2d + 4d² + 2d·dFf) + d; P; 2P",
        here: [memory.parameters, memory.gradients, memory.optimizer].map((bytes) => formatSi(bytes, "B")).join("; ") +
          ` (P = ${formatCount(countParameters(SILU_XL))})`,
      },
      {
        question: "GPT-2 XL: floats at batch b",
        reference: "6,542,150,400 + 4,036,824,064·b",
        here: `${formatCount(fixed / 4)} + ${formatCount(perBatch)}·b`,
      },
      {
        question: "GPT-2 XL: gigabytes at batch b",
        reference: "26.17 + 16.15·b",
        here: `${(fixed / 1e9).toFixed(2)} + ${(4 * perBatch / 1e9).toFixed(2)}·b`,
      },
      {
        question: "Largest batch in 80 GB",
        reference: "3",
        here: `${largestBatch(SILU_XL, 80e9)}; with three matrices ${largestBatch(XL, 80e9)}, with flash attention ` +
          `${largestBatch(SILU_XL, 80e9, { attention: "flash" })}, with checkpointing ` +
          `${largestBatch(SILU_XL, 80e9, { checkpointing: true })}`,
      },
      {
        question: "FLOPs of one AdamW step",
        reference: "left open",
        here:
          `${perParameter} per parameter: ${ADAMW_UPDATE.map(({ name, flops }) => `${name} ${flops}`).join(", ")}; ` +
          `${formatSi(optimizerFlops(countParameters(XL)), "FLOP")} for XL, ` +
          `${formatSi(optimizerFlops(countParameters(SILU_XL)), "FLOP")} with two matrices`,
      },
      {
        question: "GPT-2 XL, 400,000 steps at batch 1,024 on one A100 at 50 % MFU (three matrices)",
        reference: "left open",
        here: time(XL),
      },
      { question: "The same with two matrices", reference: "left open", here: time(SILU_XL) },
    ],
    remarks: [
      "Convention for AdamW: each add, subtract, multiply, divide and square root of a parameter's own numbers is one " +
      "FLOP; what is the same for all parameters is computed once and not counted. Time counts forward, backward at twice " +
      "the forward pass, and AdamW, at 19.5 TFLOP/s float32; a year has 365.25 days.",
    ],
  };
}
