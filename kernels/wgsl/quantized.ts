// Weights of bf16 or int8, in words of u32.
import { type Constants, rowElementwise, type WgslKernel, WORKGROUP } from "./dispatch.ts";
import dequantizeSource from "./dequantize_weight.wgsl" with { type: "text" };
import embeddingSource from "./embedding_quantized_forward.wgsl" with { type: "text" };
import linearSource from "./linear_quantized_forward.wgsl" with { type: "text" };
import { ofWidth, type Width, widthFor, withConstants, withFunctions } from "./specialize.ts";

/** Invocations that share a column: they read 128 bytes side by side. On a CPU, barriers are dear. */
const LANES = { hardware: 32, software: 1 } as const;

/** Rows whose sums are made together at most. */
const MAX_ROWS = 8;

/** What an `Element` of a row is made of, by its width and the bits of a number. */
const ELEMENTS: Readonly<Record<Width, Readonly<Record<number, string>>>> = {
  1: {
    8: "f32(bitcast<i32>(weight[words + i / 4u] << (24u - i % 4u * 8u)) >> 24u)",
    16: "bitcast<f32>((weight[words + i / 2u] << (16u - i % 2u * 16u)) & 0xffff0000u)",
  },
  4: {
    8: "vec4f(bitcast<vec4i>(vec4u(weight[words + i]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u))",
    16: "bitcast<vec4f>(vec4u(weight[words + 2u * i] << 16u, weight[words + 2u * i] & 0xffff0000u, " +
      "weight[words + 2u * i + 1u] << 16u, weight[words + 2u * i + 1u] & 0xffff0000u))",
  },
};

/** The source with a function for the numbers of an `Element`: that of index `i` in the row whose words begin at `words`. */
function withNumbers(source: string, width: Width, bits: number): string {
  return `${source}
fn numbers(words: u32, i: u32) -> Element {
  return ${ELEMENTS[width][bits]};
}
`;
}

export const linearQuantizedForward: WgslKernel = ({ rows, I, O, bits }, { software }) => {
  const width = widthFor(I);
  const lanes = software ? LANES.software : LANES.hardware;
  const together = Math.ceil(rows / Math.ceil(rows / MAX_ROWS));
  const source = withNumbers(withFunctions(linearSource, "row_sum"), width, bits);
  return {
    dispatches: [{
      label: "linear_quantized_forward",
      source: withConstants(ofWidth(source, width), { LANES: lanes, ROWS: together }),
      workgroups: Math.ceil(rows / together) * Math.ceil(O * lanes / WORKGROUP),
      flops: 2 * rows * I * O,
      divisible: true,
    }],
  };
};

/** A kernel with one invocation for each `Element` of rows of `length` numbers. */
function elementOfRow(
  label: string,
  source: string,
  count: (constants: Constants) => number,
  length: (constants: Constants) => number,
): WgslKernel {
  return (constants, traits) => {
    const decoding = withNumbers(source, widthFor(length(constants)), constants.bits);
    return rowElementwise(label, decoding, count, length)(constants, traits);
  };
}

export const dequantizeWeight: WgslKernel = elementOfRow(
  "dequantize_weight",
  dequantizeSource,
  ({ O }) => O,
  ({ I }) => I,
);
export const embeddingQuantizedForward: WgslKernel = elementOfRow(
  "embedding_quantized_forward",
  embeddingSource,
  ({ N }) => N,
  ({ D }) => D,
);
