import { bitsOf, flatElementwise } from "./dispatch.ts";
import source from "./dropout.wgsl" with { type: "text" };
import { withFunctions } from "./specialize.ts";

/** dropout, which must know where a window begins: an element's random word depends on its place in the whole array. */
export const dropout = flatElementwise(
  "dropout",
  withFunctions(source, "philox"),
  2,
  [true, false, true],
  ({ site, threshold, accumulate, factor }, first) => [first, site, threshold, accumulate, ...bitsOf([factor])],
);
