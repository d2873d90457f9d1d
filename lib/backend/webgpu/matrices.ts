import {
  loadMatrix,
  MATRIX,
  MATRIX_DIRECTIVES,
  type SubgroupMatrices,
} from "../../../kernels/wgsl/matmul/subgroup_matrix.ts";

/** What a device needs for subgroup matrices. */
export const MATRIX_FEATURES = [
  "shader-f16",
  "subgroups",
  "chromium-experimental-subgroup-matrix",
] as readonly string[] as readonly GPUFeatureName[];

/** Sizes and types of matrices that an adapter can multiply, as Dawn reports them. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** Dawn's own; not in the standard. */
type MatrixAdapterInfo = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> };

/**
 * How a device multiplies subgroup matrices of the size and types that the kernels need.
 * @returns `undefined` if it cannot.
 */
export async function matricesOf(
  { info }: Pick<GPUAdapter, "info">,
  device: GPUDevice,
): Promise<SubgroupMatrices | undefined> {
  if (!MATRIX_FEATURES.every((feature) => device.features.has(feature))) return undefined;
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs = [] } = info as MatrixAdapterInfo;
  // Kernels divide their work among the subgroups, and must know how many there are.
  if (subgroupMinSize !== subgroupMaxSize || ![...subgroupMatrixConfigs].some(isFitting)) return undefined;
  for (const order of ["template", "argument"] as const) {
    const matrices = { order, lanes: subgroupMaxSize };
    if (await compiles(device, matrices)) return matrices;
  }
  return undefined;
}

function isFitting({ componentType, resultComponentType, M, N, K }: MatrixConfig): boolean {
  return componentType === "f16" && resultComponentType === "f32" && [M, N, K].every((size) => size === MATRIX);
}

/** Whether a device accepts this way of writing a load. */
async function compiles(device: GPUDevice, matrices: SubgroupMatrices): Promise<boolean> {
  const code = `${MATRIX_DIRECTIVES}
@group(0) @binding(0) var<storage, read> x: array<f16>;
@compute @workgroup_size(${matrices.lanes})
fn main() {
  _ = ${loadMatrix(matrices, "left", "x", "0u", "row_major", `${MATRIX}u`)};
}
`;
  device.pushErrorScope("validation");
  device.createShaderModule({ label: `matrices, order as ${matrices.order}`, code });
  return await device.popErrorScope() === null;
}
