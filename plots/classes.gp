# Classes: recall of each class over its items in train, a panel a loss, from the baseline (ring) to the loss (dot).
#
# Columns: items, the baseline's value, then one for each other loss (7 at most); the header names them. A row a class.
# Options (required):
#   xlabel, ylabel   with the unit

known = 'xlabel ylabel'
load scripts.'/style.gp'

do for [option in 'xlabel ylabel'] {
    if (!has(option)) { exit error sprintf("classes needs the option %s", option) }
}
if (columns < 3) { exit error "a classes table has the columns items, baseline and one for each other loss" }
panels = columns - 2
across = panels < 4 ? panels : 4
down = (panels + across - 1)/across

# Pixels: a panel with its names above, and the room for tics on its left and below.
wide = 215.; tall = 190.; left = 70.; gap = 26.; above = 32.; below = 30.
step = tall + above + below
width = left + across*(wide + gap)
label_width = 20 + 7.6*strlen(option_xlabel)
width = width > label_width ? width : label_width
height = down*step + 28
eval canvas(width, height)

x_low = LOW[1]/1.4
x_high = HIGH[1]*1.4
set logscale x
set format x "%g"
if (x_high < 300*x_low) { # too short for a mark at each power of ten
    set xtics ()
    do for [decade=int(floor(log10(x_low))):int(floor(log10(x_high)))] {
        do for [digit in (x_high < 20*x_low ? "1 2 5" : "1 3")] { set xtics add (real(digit)*10.**decade) }
    }
}
set xrange [x_low:x_high]
set yrange [-0.03:1.03]
set ytics 0, 0.2, 1
unset key

set multiplot
set label 1 string('xlabel', '') at screen 0.5, screen 12./height center
set label 2 string('ylabel', '') at screen 16./width, screen 0.5 + 14./height center rotate by 90
do for [p=1:panels] {
    row = (p - 1)/across
    begin = left + ((p - 1)%across)*(wide + gap)
    foot = height - row*step - above - tall
    set lmargin at screen begin/width
    set rmargin at screen (begin + wide)/width
    set tmargin at screen (foot + tall)/height
    set bmargin at screen foot/height
    set label 3 HEADER[p+2] at graph 0, graph 1 left offset 0, 0.7 tc lt 2
    set label 4 HEADER[2] at graph 1, graph 1 right offset 0, 0.7 tc lt 1
    if ((p - 1)%across == 0) { set format y "%.1f" } else { set format y "" }
    plot data skip skip_lines using 1:2:(0):(column(p+2) - $2) with vectors nohead lt 2 dt 1, \
         data skip skip_lines using 1:2 with points lt 1 pt 6 ps 0.9*mark, \
         data skip skip_lines using 1:(column(p+2)) with points lt 2 pt 7 ps 0.6*mark
    unset label 1
    unset label 2
}
unset multiplot
