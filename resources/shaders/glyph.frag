in vec2 texel;
uniform sampler2D atlas;
out vec4 pixel;

void main() {
    pixel = texelFetch(atlas, ivec2(texel), 0);
}
