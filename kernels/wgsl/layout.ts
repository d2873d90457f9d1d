/** Kernels that only move numbers: by four at once, where all widths and places divide by four. */
import copyColumnsSource from "./copy_columns.wgsl" with { type: "text" };
import { type WgslCall, type WgslKernel, WORKGROUP } from "./dispatch.ts";
import { ofWidth, widthFor, withConstants } from "./specialize.ts";
import stridedCopySource from "./strided_copy.wgsl" with { type: "text" };
import stridedCopyTransposeSource from "./strided_copy_transpose.wgsl" with { type: "text" };
import writeColumnsSource from "./write_columns.wgsl" with { type: "text" };

/** Blocks of a transpose that lie side by side in x for invocations on end: 64 bytes of each line. */
const GROUP = 4;

export const stridedCopy: WgslKernel = (
  { n0, n1, n2, n3, stride0, stride1, stride2, stride3, accumulate },
) => {
  if (stride2 === 1 && widthFor(n2, n3, stride0, stride1, stride3) === 4) {
    const [bands, row] = [n2 / 4, n3 / 4];
    const sizes = { N1: n1, BANDS: bands, ROW: row, GROUP: bands % GROUP === 0 ? GROUP : 1 };
    const params = [n0 * n1 * bands * row, stride0 / 4, stride1 / 4, stride3 / 4, accumulate];
    return perInvocation("strided_copy transpose", stridedCopyTransposeSource, sizes, params);
  }
  const width = stride3 === 1 ? widthFor(n3, stride0, stride1, stride2) : 1;
  const strides = [stride0 / width, stride1 / width, stride2 / width, stride3];
  const sizes = { N1: n1, N2: n2, N3: n3 / width };
  return perInvocation("strided_copy", ofWidth(stridedCopySource, width), sizes, [
    n0 * n1 * n2 * n3 / width,
    ...strides,
    accumulate,
  ]);
};

export const copyColumns: WgslKernel = ({ rows, xWidth, yWidth, xFirst, yFirst, count, accumulate }) => {
  const width = widthFor(xWidth, yWidth, xFirst, yFirst, count);
  const places = [rows * yWidth, xWidth, xFirst, yFirst, count].map((n) => n / width);
  return perInvocation("copy_columns", ofWidth(copyColumnsSource, width), { ROW: yWidth / width }, [
    ...places,
    accumulate,
  ]);
};

export const writeColumns: WgslKernel = ({ rows, xWidth, yWidth, yFirst }) => {
  const width = widthFor(xWidth, yWidth, yFirst);
  const places = [rows * xWidth, yWidth, yFirst].map((n) => n / width);
  return perInvocation("write_columns", ofWidth(writeColumnsSource, width), { ROW: xWidth / width }, places);
};

/** One dispatch; `params` begin with the number of invocations. */
function perInvocation(
  label: string,
  source: string,
  constants: Readonly<Record<string, number>>,
  params: readonly number[],
): WgslCall {
  const sized = withConstants(source, constants);
  return { dispatches: [{ label, source: sized, workgroups: Math.ceil(params[0] / WORKGROUP), params }] };
}
