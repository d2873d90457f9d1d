import { option, say, UserError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import type { Backend } from "./backend.ts";

/** @throws {UserError} If the backend cannot compute in this precision. */
export function requirePrecision({ name, description, capabilities }: Backend, precision: Precision): void {
  if (capabilities.precisions.includes(precision)) return;
  const got = `the ${name} backend (${description}), which computes in ${capabilities.precisions.join(" and ")}`;
  if (precision === "bf16") {
    throw new UserError(
      say`Cannot compute in bf16: got ${got}, must be native on a processor with AMX or AVX512_BF16. Use ${
        option("dtype", "f32")
      }, or ${option("backend", "native")} where there is such a processor`,
    );
  }
  const other = option("backend", "webgpu");
  throw new UserError(
    say`Cannot compute in f16: got ${got}, must be a GPU with shader-f16. Use ${
      option("dtype", "f32")
    }, or ${other} where there is such a GPU`,
  );
}
