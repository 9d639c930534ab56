# Vector fields, one small panel for each: where a loss sends a box from each place around a target.
#
# Columns: x, y, then two for each panel, the parts of the vector along x and y; the header of the first names it. Arrows
# are of one length and coloured by the length of the vector; a vector of exactly 0 is a dot.
# Options (cblabel is required):
#   cblabel      what the length of a vector is
#   low, high    the range of the colours, which are logarithmic (0.01 and 1); beyond it: the colour of its end
#   half         half the side of a square drawn around (0, 0): the target
#   reach        half the side of a dashed square: boxes whose centre lies outside do not touch the target

known = 'cblabel low high half reach'
load scripts.'/style.gp'

if (columns < 4 || columns % 2) { exit error "a field table has the columns x and y and two for each panel" }
if (!has('cblabel')) { exit error "field needs the option cblabel" }
panels = (columns - 2)/2
across = panels < 4 ? panels : panels == 4 ? 2 : 3
down = (panels + across - 1)/across
low = number('low', 0.01); high = number('high', 1)
if (low <= 0 || low >= high) { exit error "field needs 0 < low < high" }

edge = 1.08*(HIGH[1] > -LOW[1] ? HIGH[1] : -LOW[1])
arrow = 0.85*2*edge/sqrt(rows)
side = 196.; left = 46.; gap = 16.; above = 26.; below = 40.; bar = 92.
width = left + across*(side + gap) + bar; height = down*(side + above) + below
eval canvas(width, height)

set multiplot
set palette defined (0 "#FDBE85", 0.5 "#D94701", 1 "#3F0A00")
set logscale cb
set format cb "%g"
set cbrange [low:high]
unset grid
unset key
set tics font small
set xrange [-edge:edge]
set yrange [-edge:edge]
set xtics 1
set ytics 1
half = number('half', 0)
if (half > 0) { set object 1 rectangle from -half, -half to half, half back fs solid noborder fc rgb "#D9E8F3" }
reach = number('reach', 0)
if (reach > 0) { set object 2 rectangle from -reach, -reach to reach, reach back fs empty border lc rgb "#777777" dt 3 lw 1.2 }

cropped(v) = v < low ? low : v > high ? high : v
length(c) = sqrt(column(c)**2 + column(c+1)**2)
along(c, part) = length(c) > 0 ? arrow*column(part)/length(c) : 1/0
do for [p=1:panels] {
    c = 2*p + 1
    column_at = (p - 1) % across
    row_at = (p - 1)/across
    set lmargin at screen (left + column_at*(side + gap))/width
    set rmargin at screen (left + column_at*(side + gap) + side)/width
    set tmargin at screen 1 - (row_at*(side + above) + above)/height
    set bmargin at screen 1 - (row_at*(side + above) + above + side)/height
    set title HEADER[c] offset 0, -0.7
    set format y (column_at == 0 ? "%g" : "")
    set format x (p + across > panels ? "%g" : "")
    if (p == panels) {
        set colorbox user origin screen (width - bar + 8)/width, screen below/height size screen 14./width, screen side/height
        set label 1 string('cblabel', '') at screen (width - 14)/width, screen (below + side/2)/height center rotate by 90
    } else { unset colorbox }
    plot data skip skip_lines using (length(c) > 0 ? 1/0 : $1):2 with points pt 7 ps 0.35*mark lc rgb "#AAAAAA", \
         data skip skip_lines using ($1 - along(c, c)/2):($2 - along(c, c+1)/2):(along(c, c)):(along(c, c+1)):(cropped(length(c))) \
             with vectors head filled size graph 0.025, 25 lw 1.3 dt 1 lc palette
}
unset multiplot
