/** Kernels that only move numbers: by four at once, where all widths and places divide by four. */
import copyColumnsSource from "./copy_columns.wgsl" with { type: "text" };
import { type WgslCall, type WgslKernel, WORKGROUP } from "./dispatch.ts";
import { ofWidth, type Width, widthFor, withConstants } from "./specialize.ts";
import stridedCopySource from "./strided_copy.wgsl" with { type: "text" };
import writeColumnsSource from "./write_columns.wgsl" with { type: "text" };

export const stridedCopy: WgslKernel = (
  { n0, n1, n2, n3, stride0, stride1, stride2, stride3, accumulate },
) => {
  const width = stride3 === 1 ? widthFor(n3, stride0, stride1, stride2) : 1;
  const strides = [stride0 / width, stride1 / width, stride2 / width, stride3];
  const sizes = { N1: n1, N2: n2, N3: n3 / width };
  return perElement("strided_copy", stridedCopySource, width, sizes, [
    n0 * n1 * n2 * n3 / width,
    ...strides,
    accumulate,
  ]);
};

export const copyColumns: WgslKernel = ({ rows, xWidth, yWidth, xFirst, yFirst, count, accumulate }) => {
  const width = widthFor(xWidth, yWidth, xFirst, yFirst, count);
  const places = [rows * yWidth, xWidth, xFirst, yFirst, count].map((n) => n / width);
  return perElement("copy_columns", copyColumnsSource, width, { ROW: yWidth / width }, [...places, accumulate]);
};

export const writeColumns: WgslKernel = ({ rows, xWidth, yWidth, yFirst }) => {
  const width = widthFor(xWidth, yWidth, yFirst);
  const places = [rows * xWidth, yWidth, yFirst].map((n) => n / width);
  return perElement("write_columns", writeColumnsSource, width, { ROW: xWidth / width }, places);
};

/** One dispatch with an invocation for each element; `params` begin with how many there are. */
function perElement(
  label: string,
  source: string,
  width: Width,
  constants: Readonly<Record<string, number>>,
  params: readonly number[],
): WgslCall {
  const sized = withConstants(ofWidth(source, width), constants);
  return { dispatches: [{ label, source: sized, workgroups: Math.ceil(params[0] / WORKGROUP), params }] };
}
