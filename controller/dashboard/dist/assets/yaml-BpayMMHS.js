function e(e){let{labels:t,annotations:n,name:r}=e.metadata,i=e=>e&&Object.keys(e).length>0?e:void 0;return{apiVersion:`pulse.dev/v1`,kind:e.kind,metadata:{name:r,labels:i(t),annotations:i(n)},spec:e.spec}}var t=/^[A-Za-z_./][\w ./()+-]*$/,n=/^(?:true|false|null|yes|no|on|off|y|n|~|\.(?:nan|inf))$/i;function r(e){return`${a(e,0)}\n`}var i=e=>e==null;function a(e,t){let n=`  `.repeat(t);return Array.isArray(e)?e.map(e=>`${n}- ${o(e)?a(e,t+1).trimStart():s(e,t+1)}`).join(`
`):Object.entries(e).filter(([,e])=>!i(e)).map(([e,r])=>`${n}${s(e,t)}:${o(r)?`\n${a(r,t+1)}`:` ${s(r,t+1)}`}`).join(`
`)}function o(e){return typeof e!=`object`||!e?!1:Array.isArray(e)?e.length>0:Object.values(e).some(e=>!i(e))}function s(e,r){return Array.isArray(e)?`[]`:typeof e==`object`?`{}`:typeof e==`string`?e.includes(`
`)&&c(e)?l(e,r):t.test(e)&&!n.test(e)&&!e.endsWith(` `)?e:JSON.stringify(e):String(e)}var c=e=>!/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]|[ \t]\n|^\s/.test(e)&&!/[ \t]$/.test(e);function l(e,t){let n=`  `.repeat(t);return`|${e.endsWith(`

`)?`+`:e.endsWith(`
`)?``:`-`}\n${e.replace(/\n$/,``).split(`
`).map(e=>e===``?``:`${n}${e}`).join(`
`)}`}export{r as n,e as t};