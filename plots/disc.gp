# Numbers at points of a plane, one small panel for each: the final error over where boxes start.
#
# Columns: x, y, then one for each panel, named by its header.
# Options (cblabel is required):
#   cblabel      what the numbers are
#   low, high    the range of the colours (that of the data); numbers beyond it take the colour of its end
#   logcb        1: logarithmic colours; then low is needed
#   half         half the side of a square drawn around (0, 0): the target

known = 'cblabel low high logcb half'
load scripts.'/style.gp'

if (columns < 3) { exit error "a disc table has the columns x and y and one for each panel" }
if (!has('cblabel')) { exit error "disc needs the option cblabel" }
panels = columns - 2
across = panels < 4 ? panels : panels == 4 ? 2 : 3
down = (panels + across - 1)/across
low = LOW[3]; high = HIGH[3]
do for [c=4:columns] { low = LOW[c] < low ? LOW[c] : low; high = HIGH[c] > high ? HIGH[c] : high }
low = number('low', low); high = number('high', high)
if (low >= high) { high = low + 1 }
if (flag('logcb', 0)) {
    if (low <= 0) { exit error "logarithmic colours need low above 0" }
    set logscale cb
}

reach = 1.06*(HIGH[1] > -LOW[1] ? HIGH[1] : -LOW[1])
side = 176.; left = 46.; gap = 16.; above = 26.; below = 40.; bar = 92.
width = left + across*(side + gap) + bar; height = down*(side + above) + below
eval canvas(width, height)

set multiplot
set palette defined (0 "#440154", 0.25 "#3B528B", 0.5 "#21918C", 0.75 "#5EC962", 1 "#FDE725")
unset grid
unset key
set tics font small
set format cb "%g"
set cbrange [low:high]
set xrange [-reach:reach]
set yrange [-reach:reach]
set xtics 1.5
set ytics 1.5
half = number('half', 0)
if (half > 0) { set object rectangle from -half, -half to half, half front fs empty border lc rgb "#FFFFFF" lw 1.6 }

# Markers as wide as the points lie apart.
spacing = side/2.12*sqrt(pi/rows)
size = spacing/(kind eq 'svg' ? 7 : 5.3)
cropped(v) = v < low ? low : v > high ? high : v
do for [p=1:panels] {
    column_at = (p - 1) % across
    row_at = (p - 1)/across
    set lmargin at screen (left + column_at*(side + gap))/width
    set rmargin at screen (left + column_at*(side + gap) + side)/width
    set tmargin at screen 1 - (row_at*(side + above) + above)/height
    set bmargin at screen 1 - (row_at*(side + above) + above + side)/height
    set title HEADER[p+2] offset 0, -0.7
    set format y (column_at == 0 ? "%g" : "")
    set format x (p + across > panels ? "%g" : "")
    if (p == panels) {
        set colorbox user origin screen (width - bar + 8)/width, screen below/height size screen 14./width, screen (side*1. < height - below - above ? side : height - below - above)/height
        set label 1 string('cblabel', '') at screen (width - 14)/width, screen (below + side/2)/height center rotate by 90
    } else { unset colorbox }
    plot data skip skip_lines using 1:2:(cropped(column(p+2))) with points pt 7 ps size lc palette
}
unset multiplot
