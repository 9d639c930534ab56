# Pictures in rows and columns with the names of both: the images of a test set, their true masks, and the masks that
# nets of several losses give. The picture comes as a raster; this adds the text.
#
# Columns: image (its index), type, area ("0.85 %", or empty), then a column for each loss, named by its header; its
# cells stand for themselves and are not drawn.
# Options (all but title and note are required):
#   title                             what stands above
#   note                              what stands below
#   picture                           file of the raster: picture_height lines of picture_width red-green-blue bytes
#   picture_width, picture_height     its size
#   panel_width, panel_height, gap    size of a panel, and the paper between two and around all
#   above                             a word a loss: the probability above which its pixels are outlined

known = 'title note picture picture_width picture_height panel_width panel_height gap above'
load scripts.'/style.gp'

if (columns < 4) { exit error "a sheet has the columns image, type, area and one for each loss" }
do for [option in 'picture picture_width picture_height panel_width panel_height gap above'] {
    if (!has(option)) { exit error sprintf("sheet needs the option %s", option) }
}
losses = columns - 3
if (words(option_above) != losses) { exit error "above needs a word for each loss" }
w = number('panel_width', 0); h = number('panel_height', 0); gap = number('gap', 0)
W = number('picture_width', 0); H = number('picture_height', 0)

# A name too long for its column is broken behind an underscore, or where it must be.
room = floor((w + gap - 4) / 7)
cut(s, n) = n < 2 ? room : s[n:n] eq '_' ? n : cut(s, n - 1)
wrap(s) = strlen(s) <= room ? s : s[1:cut(s, room)]."\n".wrap(s[cut(s, room)+1:*])
most = 1
do for [c=4:columns] { most = lines(wrap(HEADER[c])) > most ? lines(wrap(HEADER[c])) : most }

# Everything is placed in pixels: the axes are the canvas.
label_width = 7*(WIDTH[2] > WIDTH[3] ? WIDTH[2] : WIDTH[3]) + 14
top = title_height + 15*(most + 1) + 4
bottom = has('note') ? 15*lines(option_note) + 8 : 4
width = label_width + W + 4
height = top + H + bottom
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

middle(c) = label_width + gap + c*(w + gap) + w/2.
first_line = top - 15*(most + 1)   # of the heads of the columns
if (has('title')) { set label option_title at label_width + gap, 16 font ',' }
if (has('note')) { set label option_note at label_width + gap, top + H + 8 tc rgb ink_grey }
set label 'input' at middle(0), top - 7 center
set label 'truth' at middle(1), top - 7 center
do for [c=1:losses] {
    name = wrap(HEADER[c+3])
    set label name."\np > ".word(option_above, c) at middle(c+1), top - 7 - 15*lines(name) center
}

row(n) = top + gap + n*(h + gap) + h/2.
plot option_picture binary array=(W,H) origin=(label_width+0.5, top+0.5) dx=1 dy=1 format='%uchar' using 1:2:3 \
         with rgbimage, \
     data skip skip_lines using (label_width):(row($0) - 7):(strcol(2)) with labels right, \
     data skip skip_lines using (label_width):(row($0) + 8):(strcol(3)) with labels right tc rgb ink_grey
