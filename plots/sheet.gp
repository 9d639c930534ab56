# Pictures in rows and columns with the names of both: the images of a test set, their true masks, and the masks that
# nets of several losses give. The picture comes as a raster; this adds the text.
#
# Columns: image (its index), type, area ("0.85 %", or empty), then a column for each loss, named by its header; its
# cells stand for themselves and are not drawn.
# Options are those of sheet_canvas.gp; `above` is the probability above which a loss's pixels are outlined.

known = 'title note picture picture_width picture_height panel_width panel_height gap above'
load scripts.'/style.gp'

if (columns < 4) { exit error "a sheet has the columns image, type, area and one for each loss" }
before = 3
first_heads = 'input truth'
label_room = WIDTH[2] > WIDTH[3] ? WIDTH[2] : WIDTH[3]
footer = has('note') ? 15*lines(option_note) + 8 : 4
under = 'p > %s'
load scripts.'/sheet_canvas.gp'

plot option_picture binary array=(W,H) origin=(label_width+0.5, top+0.5) dx=1 dy=1 format='%uchar' using 1:2:3 \
         with rgbimage, \
     data skip skip_lines using (label_width):(row($0) - 7):(strcol(2)) with labels right, \
     data skip skip_lines using (label_width):(row($0) + 8):(strcol(3)) with labels right tc rgb ink_grey
