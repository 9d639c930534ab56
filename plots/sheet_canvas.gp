# What sheets of pictures share: the canvas, the raster's place, and the heads of columns. A script loads style.gp, sets
#   before                            columns of the table before those of the losses, which name the panels
#   first_heads                       words: the heads of the panels that stand before those of the losses
#   label_room                        characters of the longest text on the left of a row
#   footer                            pixels below the panels
#   under                             format of the line below a loss's name, for its word of the option above
# and loads this. Options, all but the first two required:
#   title                             what stands above
#   note                              what stands below
#   picture                           file of the raster: picture_height lines of picture_width red-green-blue bytes
#   picture_width, picture_height     its size
#   panel_width, panel_height, gap    size of a panel, and the paper between two and around all
#   above                             a word a loss

do for [option in 'picture picture_width picture_height panel_width panel_height gap above'] {
    if (!has(option)) { exit error sprintf("a sheet needs the option %s", option) }
}
losses = columns - before
if (words(option_above) != losses) { exit error "above needs a word for each loss" }
w = number('panel_width', 0); h = number('panel_height', 0); gap = number('gap', 0)
W = number('picture_width', 0); H = number('picture_height', 0)

# A name too long for its column is broken behind an underscore, or where it must be.
room = floor((w + gap - 4) / 7)
cut(s, n) = n < 2 ? room : s[n:n] eq '_' ? n : cut(s, n - 1)
wrap(s) = strlen(s) <= room ? s : s[1:cut(s, room)]."\n".wrap(s[cut(s, room)+1:*])
most = 1
do for [c=before+1:columns] { most = lines(wrap(HEADER[c])) > most ? lines(wrap(HEADER[c])) : most }

# Everything is placed in pixels: the axes are the canvas.
label_width = 7*label_room + 14
top = title_height + 15*(most + 1) + 4
width = label_width + W + 4
height = top + H + footer
eval (kind eq 'svg' \
    ? sprintf('set terminal svg size %d,%d font "DejaVu Sans,12" dynamic background "white" noenhanced', width, height) \
    : sprintf('set terminal pngcairo size %d,%d font "DejaVu Sans,9" background "white" noenhanced', width, height))
set output target
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
set xrange [0:width]
set yrange [height:0]
unset border
unset tics
unset grid
unset key

panel_left(c) = label_width + gap + c*(w + gap)
panel_top(n) = top + gap + n*(h + gap)
middle(c) = panel_left(c) + w/2.
row(n) = panel_top(n) + h/2.
if (has('title')) { set label option_title at label_width + gap, 16 font ',' }
if (has('note')) { set label option_note at label_width + gap, top + H + 8 tc rgb ink_grey }
do for [c=1:words(first_heads)] { set label word(first_heads, c) at middle(c-1), top - 7 center }
do for [c=1:losses] {
    name = wrap(HEADER[c+before])
    set label name."\n".sprintf(under, word(option_above, c)) at middle(c-1+words(first_heads)), \
        top - 7 - 15*lines(name) center
}
