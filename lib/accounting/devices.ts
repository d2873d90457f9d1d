/** A device's published limits. All rates are dense: figures "with sparsity" are halved. */
export interface Device {
  /** The product's name. */
  readonly name: string;
  /** FLOP/s in float32 without tensor cores, which is what WebGPU can reach. */
  readonly peakF32: number;
  /** FLOP/s of 16-bit products on tensor cores, accumulated in float32. */
  readonly peakF16: number;
  /** Whether `peakF16` also holds for bfloat16. */
  readonly hasBf16: boolean;
  /** Bytes, a GB being 10⁹. */
  readonly memory: number;
  /** Bytes per second. */
  readonly bandwidth: number;
  /** Watts that the board may draw. */
  readonly power: number;
  /** Where the figures were published. */
  readonly source: string;
}

const device = (
  name: string,
  [f32, f16, hasBf16]: [teraflops: number, teraflops16: number, hasBf16: boolean],
  [gigabytes, gigabytesPerSecond, power]: [number, number, number],
  source: string,
): Device => ({
  name,
  peakF32: f32 * 1e12,
  peakF16: f16 * 1e12,
  hasBf16,
  memory: gigabytes * 1e9,
  bandwidth: gigabytesPerSecond * 1e9,
  power,
  source,
});

/** Names of the known devices. */
export type DeviceName =
  | "a100"
  | "h100"
  | "h100-pcie"
  | "h200"
  | "v100"
  | "t4"
  | "l4"
  | "l40s"
  | "rtx-3090"
  | "rtx-4090"
  | "mi300x";

/** The devices by name. */
export const DEVICES: Readonly<Record<DeviceName, Device>> = {
  a100: device(
    "NVIDIA A100 SXM 80 GB",
    [19.5, 312, true],
    [80, 2039, 400],
    "NVIDIA A100 Tensor Core GPU datasheet (2021)",
  ),
  h100: device("NVIDIA H100 SXM", [67, 989.4, true], [80, 3350, 700], "NVIDIA H100 Tensor Core GPU datasheet (2022)"),
  "h100-pcie": device(
    "NVIDIA H100 PCIe",
    [51, 756, true],
    [80, 2000, 350],
    "NVIDIA H100 Tensor Core GPU datasheet (2022)",
  ),
  h200: device("NVIDIA H200 SXM", [67, 989.4, true], [141, 4800, 700], "NVIDIA H200 Tensor Core GPU datasheet (2023)"),
  v100: device("NVIDIA V100 SXM2 32 GB", [15.7, 125, false], [32, 900, 300], "NVIDIA V100 GPU datasheet (2018)"),
  t4: device("NVIDIA T4", [8.1, 65, false], [16, 320, 70], "NVIDIA T4 Tensor Core GPU datasheet (2018)"),
  l4: device("NVIDIA L4", [30.3, 121, true], [24, 300, 72], "NVIDIA L4 Tensor Core GPU datasheet (2023)"),
  l40s: device("NVIDIA L40S", [91.6, 362, true], [48, 864, 350], "NVIDIA L40S GPU datasheet (2023)"),
  "rtx-3090": device(
    "NVIDIA GeForce RTX 3090",
    [35.6, 71, true],
    [24, 936, 350],
    "NVIDIA Ampere GA102 GPU architecture whitepaper (2020)",
  ),
  "rtx-4090": device(
    "NVIDIA GeForce RTX 4090",
    [82.6, 165.2, true],
    [24, 1008, 450],
    "NVIDIA Ada GPU architecture whitepaper (2022)",
  ),
  mi300x: device(
    "AMD Instinct MI300X",
    [163.4, 1307.4, true],
    [192, 5300, 750],
    "AMD Instinct MI300X datasheet (2023)",
  ),
};

/** The keys of `DEVICES`. */
export const DEVICE_NAMES = Object.keys(DEVICES) as readonly DeviceName[];
