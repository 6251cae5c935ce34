// One instance a rectangle, given in device pixels relative to the buffer's origin.
in vec4 rect;
in vec4 colour;
uniform vec2 offset;  // from the buffer's origin to the surface's upper left corner, pixels
uniform vec2 surface; // size, pixels
out vec4 fill;

void main() {
    vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1));
    vec2 place = (mix(rect.xy, rect.zw, corner) + offset) / surface;
    gl_Position = vec4(2.0 * place.x - 1.0, 1.0 - 2.0 * place.y, 0.0, 1.0);
    fill = colour;
}
