/**
 * Makes the code for tiles of sums. Meanwhile rdi holds the parameters, rsi packed A at the tile's rows, r15 B's panel, rcx C
 * at the tile, r14 blocks of depth; r11, r13, rbp and r9 must be kept.
 */
export interface Tiles {
  /** Before neighbouring tiles of one size. */
  begin(height: number, columns: number): void;
  /** One tile: C (+)= A B. */
  tile(height: number, columns: number): void;
  /** Behind all tiles. */
  end(): void;
  /** Behind the code, where its tables are. */
  finish(): void;
}
