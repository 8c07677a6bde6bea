/** Okabe and Ito's colours, which people with any colour vision tell apart, without black: for light and dark paper. */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1"] as const;

/** The colour of the thing with an index among its like. */
export const colourAt = (index: number): string => COLOURS[index % COLOURS.length]!;
