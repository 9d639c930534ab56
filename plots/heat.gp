# A matrix with its numbers: rows gamma, columns alpha, say.
#
# Columns: the row's name, then one column for each column of the matrix, named by its header. A cell shows its text as
# it is; its number, up to the first other character, gives the colour ("0.71 *" is 0.71). A word ("failed") or an empty
# cell is left grey.
# Options (xlabel, ylabel and cblabel are required):
#   title, xlabel, ylabel   what stands above, below, at the left
#   cblabel                 what the numbers are: "Recall at FR 1 %"
#   palette                 "sequential" (default), or "diverging": centred on 0, for differences
#   low, high               the range of the colours; give both where figures will be compared (default: that of the
#                           data, made symmetric when diverging)
#   best                    cells with a box: "ROW,COLUMN ROW,COLUMN", counted from 1
#   reference               cells with a thin dashed box: the published default, say

known = 'title xlabel ylabel cblabel palette low high best reference'
load scripts.'/style.gp'

if (columns < 2) { exit error "a heat table has the names of its rows in column 1 and the matrix in the others" }
if (!has('xlabel') || !has('ylabel') || !has('cblabel')) { exit error "heat needs the options xlabel, ylabel and cblabel" }
diverging = string('palette', 'sequential') eq 'diverging'
if (!diverging && string('palette', 'sequential') ne 'sequential') { exit error "palette is sequential or diverging" }

# The range of the colours.
low = NaN; high = NaN
do for [c=2:columns] {
    if (COUNT[c] > 0) {
        low = low < LOW[c] ? low : LOW[c]
        high = high > HIGH[c] ? high : HIGH[c]
    }
}
if (low != low) { low = 0; high = 1 }
if (diverging) { high = abs(low) > abs(high) ? abs(low) : abs(high); low = -high }
low = number('low', low)
high = number('high', high)
if (low >= high) { high = low + 1 }

# Light at one end or in the middle: the ink of a number is black on light, white on dark.
place(v) = (v - low) / (high - low)
if (diverging) {
    set palette defined (0 "#0B4F8A", 0.25 "#6BAED6", 0.5 "#F7F7F7", 0.75 "#F4A261", 1 "#A63603")
    ink(v) = place(v) < 0.16 || place(v) > 0.88 ? 0xFFFFFF : 0x000000
} else {
    set palette defined (0 "#440154", 0.25 "#3B528B", 0.5 "#21918C", 0.75 "#5EC962", 1 "#FDE725")
    ink(v) = place(v) < 0.43 ? 0xFFFFFF : 0x000000
}

cells = columns - 1
longest = 4
do for [c=2:columns] { longest = WIDTH[c] > longest ? WIDTH[c] : longest }
cell_width = 7.6*longest + 12
title_width = 7.6*strlen(string('title', ''))
cell_width = cells*cell_width > title_width ? cell_width : title_width/cells
left = 44 + 7.6*WIDTH[1]
width = left + cells*cell_width + 120
highest(a, b) = a > b ? a : b
panel = highest(highest(30.*rows, 130.), 6.8*strlen(option_cblabel))
top = 12. + title_height
height = 66 + panel + top
eval canvas(width, height)
set lmargin at screen left/width
set rmargin at screen (left + cells*cell_width)/width
set tmargin at screen 1 - top/height
set bmargin at screen 66./height

unset grid
unset key
set border 0
set tics scale 0
set title string('title', '')
set xlabel string('xlabel', '')
set label string('ylabel', '') at screen 16/width, graph 0.5 center rotate by 90
set label string('cblabel', '') at screen (width - 18)/width, graph 0.5 center rotate by 90
set format cb "%.2f"
set cbtics out scale 0.6
set colorbox user origin screen (left + cells*cell_width + 14)/width, screen 66./height size screen 14./width, screen panel/height
set cbrange [low:high]
set xrange [0.5:cells + 0.5]
set yrange [rows + 0.5:0.5]
set xtics ()
do for [c=1:cells] { set xtics add (literal(HEADER[c+1]) c) }

do for [cell in string('reference', '')] {
    r = real(cell[1:strstrt(cell, ',')-1]); c = real(cell[strstrt(cell, ',')+1:*])
    set object rectangle from c-0.44, r-0.42 to c+0.44, r+0.42 front fs empty border lc rgb ink_grey lw 1.2 dt 3
}
do for [cell in string('best', '')] {
    r = real(cell[1:strstrt(cell, ',')-1]); c = real(cell[strstrt(cell, ',')+1:*])
    set object rectangle from c-0.49, r-0.48 to c+0.49, r+0.48 front fs empty border lc rgb (diverging ? "#000000" : "#D55E00") lw 2.5
}

# Row numbers count the data rows from 0. A real minus sign, since the numbers stand as text.
shown(s) = s[1:1] eq '-' ? '−'.s[2:*] : s
plot for [c=1:cells] data skip skip_lines using (c):($0+1):(c-0.49):(c+0.49):($0+0.52):($0+1.48):(0xE8E8E8) \
         with boxxyerror fc rgb variable fs solid noborder, \
     for [c=1:cells] (COUNT[c+1] > 0 ? data : '/dev/null') skip skip_lines \
         using (valid(c+1) ? c : 1/0):($0+1):(c-0.49):(c+0.49):($0+0.52):($0+1.48):(column(c+1)) \
         with boxxyerror fc palette fs solid noborder, \
     for [c=1:cells] data skip skip_lines using (c):($0+1):(shown(strcol(c+1))):(valid(c+1) ? ink(column(c+1)) : 0x555555):ytic(1) \
         with labels tc rgb variable font small
