import type { Graph } from "../graph/graph.ts";
import { Tensor } from "../graph/tensor.ts";
import { copyColumnsKernel, writeColumnsKernel } from "./copy_columns.ts";
import { dimensionOf, productOf, requireCountable } from "./dimensions.ts";

/**
 * Puts tensors one after another along a dimension. Each element is copied once.
 *
 * @param tensors One or more, of one shape but for that dimension.
 * @param dim The dimension; a negative one counts from the end.
 * @returns Their shape, and along the dimension their sizes together. In f16 where all are, else in f32.
 * @throws {RangeError} If there are none, they have no such dimension, or shapes disagree.
 * @throws {TypeError} If one is of type u32.
 */
export function concatenate(graph: Graph, tensors: readonly Tensor[], dim: number): Tensor {
  if (tensors.length === 0) throw new RangeError("Cannot apply concatenate: got no tensors, must be one or more");
  const [first] = tensors;
  const along = dimensionOf("concatenate", first, dim);
  const others = ({ shape }: Tensor) => shape.toSpliced(along, 1).join();
  for (const x of tensors) {
    if (x.shape.length === first.shape.length && others(x) === others(first)) continue;
    throw new RangeError(
      `Cannot apply concatenate: got ${first} and ${x}, must have the same shape but for dimension ${along}`,
    );
  }
  const size = tensors.reduce((sum, { shape }) => sum + shape[along], 0);
  const y = new Tensor(`concatenate(${tensors.map(({ name }) => name).join(", ")})`, first.shape.with(along, size), {
    dtype: tensors.every(({ dtype }) => dtype === "f16") ? "f16" : "f32",
  });
  requireCountable("concatenate", y);

  const rows = productOf(y.shape.slice(0, along));
  const yWidth = y.size / rows;
  let end = 0;
  const parts = tensors.map((x) => {
    const width = x.size / rows;
    end += width;
    return { x, width, at: end - width };
  });
  for (const { x, width, at } of parts) {
    graph.call(writeColumnsKernel, {
      inputs: { x },
      outputs: { y },
      constants: { rows, xWidth: width, yWidth, yFirst: at },
    });
  }
  return graph.record({
    op: "concatenate",
    inputs: tensors,
    output: y,
    backward: (dY, gradients) => {
      for (const { x, width, at } of parts.filter(({ x }) => gradients.wants(x))) {
        const { target: dX, accumulate } = gradients.into(x);
        graph.call(copyColumnsKernel, {
          inputs: { x: dY },
          outputs: { y: dX },
          constants: { rows, xWidth: yWidth, yWidth: width, xFirst: at, yFirst: 0, count: width, accumulate },
        });
      }
    },
  });
}
