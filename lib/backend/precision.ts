import { UserError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import type { Backend } from "./backend.ts";

/** @throws {UserError} If the backend cannot compute so. */
export function requirePrecision({ name, description, capabilities }: Backend, precision: Precision): void {
  if (capabilities.precisions.includes(precision)) return;
  const known = capabilities.precisions.join(" and ");
  throw new UserError(
    `Cannot compute in f16: got the ${name} backend (${description}), which computes in ${known}, must be a GPU with shader-f16. Use --dtype f32, or --backend webgpu where there ` +
      "is such a GPU",
  );
}
