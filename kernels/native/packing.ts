/** What the code that packs is made for. */
export interface PackingShape {
  /** Bytes from one row to the next, as the matrix lies in memory. */
  readonly rowBytes: number;
  /** Columns of B right of the last that fill two vectors. */
  readonly edge: number;
}

/** The parameters of packing, in their order. */
export const PACKING_PARAMETERS = { from: 0, to: 1, depth: 2, wholePanels: 3, hasEdge: 4 } as const;
