import { bitsOf, flatElementwise, type WgslKernel } from "./dispatch.ts";
import source from "./masked_fill.wgsl" with { type: "text" };
import { widthFor, withConstants } from "./specialize.ts";

/** masked_fill: window by window; the mask is bound whole, unless it is as large as the others and cut with them. */
export const maskedFill: WgslKernel = (constants, traits) => {
  const { n, maskSize } = constants;
  const width = widthFor(maskSize);
  const isCut = maskSize === n;
  const fill = flatElementwise(
    "masked_fill",
    withConstants(source, { MASK: maskSize / width }),
    2,
    [true, isCut, true],
    ({ accumulate, value }, first) => [isCut ? 0 : first % maskSize / width, accumulate, ...bitsOf([value])],
    () => width,
  );
  return fill(constants, traits);
};
