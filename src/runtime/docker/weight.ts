/** CPU shares: the weight of a container when CPUs are short. */

/** Of everybody. */
export const USUAL = 1024;
/** Of one that goes before the others. */
export const FAVOURED = 65_536;
