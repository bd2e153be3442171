export default {
  compilerOptions: { runes: true, css: 'external', cssHash: ({ hash, css }) => `s-${hash(css)}` },
};
