# Pictures in rows and columns with boxes on them: the images of a test set with their true boxes, and the boxes that
# nets of several losses find in them. The images come as a raster; this draws the boxes and the text.
#
# Columns: row (of panels, from 0), image (its index), box, type, x1, y1, x2, y2 (pixels of the image), then a column
# for each loss, named by its header. `box` says what a line is:
#   image                             none: the row's label, its image and type
#   true                              a true box; a loss's cell says "found" or "missed"
#   right, other type, wrong          a box that one loss found; the cells of the others are "-" (an empty last cell
#                                     would be read as the one before)
# Options, besides those of sheet_canvas.gp, whose `above` is the AP50 of a loss:
#   zoom                              raster pixels for a pixel of the image (required)

known = 'title picture picture_width picture_height panel_width panel_height gap above zoom'
load scripts.'/style.gp'

if (columns < 9) { exit error "boxes have the columns row, image, box, type, x1, y1, x2, y2 and one for each loss" }
if (!has('zoom')) { exit error "boxes need the option zoom" }
before = 8
first_heads = 'truth'
label_room = WIDTH[4] > WIDTH[2] ? WIDTH[4] : WIDTH[2]
footer = 34
under = 'AP50 %s'
load scripts.'/sheet_canvas.gp'
zoom = number('zoom', 1)

# Okabe-Ito hues, and a dash for each meaning; white below keeps the lines readable on dark images.
truth = 'lc rgb "#009E73" lw 2 dt 1'
missed = 'lc rgb "#009E73" lw 2 dt (6,6)'
right = 'lc rgb "#0072B2" lw 2 dt 1'
other = 'lc rgb "#0072B2" lw 2 dt (9,5)'
wrong = 'lc rgb "#D55E00" lw 2 dt (9,5)'
halo = 'lc rgb "#FFFFFF" lw 4 dt 1'

x(c, v) = panel_left(c) + zoom*v
y(v) = panel_top(column(1)) + zoom*v
# Whether a line is of that kind and its cell is that text ('*': anything but "-").
is(kind, cell, text) = strcol(3) eq kind && (text eq '*' ? strcol(cell) ne '-' : strcol(cell) eq text)
# What plot draws for it in the panels of column c.
layer(c, kind, cell, text, style) = sprintf(", data skip skip_lines using (is('%s', %d, '%s') ? x(%d, $5) : NaN)", \
        kind, cell, text, c).sprintf(":(y($6)):(x(%d, $5)):(x(%d, $7)):(y($6)):(y($8))", c, c) \
    .' with boxxyerror fs empty '.style
boxes(c, kind, cell, text, style) = layer(c, kind, cell, text, halo).layer(c, kind, cell, text, style)

layers = boxes(0, 'true', 1, '*', truth)
do for [c=1:losses] {
    layers = layers.boxes(c, 'true', before+c, 'missed', missed).boxes(c, 'wrong', before+c, '*', wrong) \
        .boxes(c, 'other type', before+c, '*', other).boxes(c, 'right', before+c, '*', right)
}

# The key in two lines, what is there and what was found, so that a sheet of one loss has room for it.
key(n, x, style, name) = sprintf("set arrow from %g,%g to %g,%g nohead %s; set label '%s' at %g,%g", x, top + H + 15*n - 5, \
    x + 26, top + H + 15*n - 5, style, name, x + 32, top + H + 15*n - 5)
key_left = panel_left(0)
eval key(1, key_left, truth, 'true box')
eval key(1, key_left + 96, missed, 'missed')
eval key(2, key_left, right, 'right')
eval key(2, key_left + 96, other, 'other type')
eval key(2, key_left + 206, wrong, 'wrong')

eval "plot option_picture binary array=(W,H) origin=(label_width+0.5, top+0.5) dx=1 dy=1 format='%uchar' using 1:2:3 \
          with rgbimage, \
      data skip skip_lines using (label_width):(strcol(3) eq 'image' ? row($1) - 7 : NaN):(strcol(2)) with labels right, \
      data skip skip_lines using (label_width):(strcol(3) eq 'image' ? row($1) + 8 : NaN):(strcol(4)) with labels right \
          tc rgb ink_grey".layers
