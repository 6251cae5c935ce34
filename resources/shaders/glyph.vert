// One instance a glyph: its upper left pixel, and its number in the atlas.
in vec2 place;
in float glyph;
uniform vec2 offset;
uniform vec2 surface;
uniform vec2 size;     // of a glyph, pixels
uniform float columns; // glyphs side by side in the atlas
out vec2 texel;

void main() {
    vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1));
    vec2 at = (place + corner * size + offset) / surface;
    gl_Position = vec4(2.0 * at.x - 1.0, 1.0 - 2.0 * at.y, 0.0, 1.0);
    float row = floor((glyph + 0.5) / columns);
    texel = (vec2(glyph - row * columns, row) + corner) * size;
}
