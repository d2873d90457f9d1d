/** `--workers`: each has a thread and memory of its own, so a typo could fill the machine's memory. */
export const WORKERS_FLAG = { type: "integer", min: 1, max: 256 } as const;

/** How often something is measured, for tasks whose numbers are medians: a count that ends some time. */
export const REPEATS = { type: "integer", min: 1, max: 10_000 } as const;
