/** @param {string} text @param {Record<string, unknown>} [values] */
export const t = (text, values = {}) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
/** @param {string} one @param {string} more @param {number} count @param {Record<string, unknown>} [values] */
export const tn = (one, more, count, values = {}) => t(count === 1 ? one : more, { count, ...values });
