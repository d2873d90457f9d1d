/** A float32 number rounded to bf16: the nearest, and of two the one whose last bit is 0; too small for float32's normal numbers, 0. */
export function roundToBf16(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  if (Math.abs(value) < 2 ** -126) return 0;
  const step = 2 ** (exponent - 7);
  const steps = value / step;
  const floor = Math.floor(steps);
  const rest = steps - floor;
  const up = rest > 0.5 || rest === 0.5 && floor % 2 !== 0;
  return (up ? floor + 1 : floor) * step;
}
